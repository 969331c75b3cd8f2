// Questions and answers between a supervisor and its workers. Whoever does not answer in time has not answered.

export type Question = { readonly question: number }
export type Answer = { readonly answers: number; readonly answer: unknown }

const waiting = new Map<number, (answer?: unknown) => void>()
let questions = 0

/** Sends a question; undefined where there is no answer within `timeoutMs`. */
export function ask(send: (question: Question) => void, timeoutMs: number): Promise<unknown> {
  const question = ++questions
  return new Promise((resolve) => {
    const end = (answer?: unknown): void => {
      clearTimeout(timer)
      waiting.delete(question)
      resolve(answer)
    }
    const timer = setTimeout(end, timeoutMs)
    waiting.set(question, end)
    send({ question })
  })
}

/** Every answer that arrives goes here. */
export const hear = ({ answers, answer }: Answer): void => waiting.get(answers)?.(answer)

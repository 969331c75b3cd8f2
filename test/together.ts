// Runs the tests of several files in one process, one after another; run.ts says which.

for (const file of process.env.TEST_FILES!.split(',')) await import(file)

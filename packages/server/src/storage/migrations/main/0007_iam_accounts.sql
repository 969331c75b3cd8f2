-- The alias of an account: one account of the whole server has it.
ALTER TABLE account ADD COLUMN alias TEXT;
CREATE UNIQUE INDEX account_by_alias ON account (alias);

-- How many refresh tokens a device was given, as the tokens say themselves.
ALTER TABLE device ADD COLUMN token_n INTEGER NOT NULL DEFAULT 0;

-- The registry came back from a backup: the device may once use a token it was given since.
ALTER TABLE device ADD COLUMN may_take_back INTEGER NOT NULL DEFAULT 0;

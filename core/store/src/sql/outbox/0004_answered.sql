-- The history the answers belong to that are kept, 64 bits stored as signed.
ALTER TABLE client ADD COLUMN answered_epoch INTEGER;

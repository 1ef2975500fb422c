-- The operation with which a refused one was tried again.
ALTER TABLE operation ADD COLUMN replaced_by BLOB;

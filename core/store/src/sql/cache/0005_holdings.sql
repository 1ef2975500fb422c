-- What the server last said that the device holds, as MessagePack.
ALTER TABLE state ADD COLUMN holdings BLOB;

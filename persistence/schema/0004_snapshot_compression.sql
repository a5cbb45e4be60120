-- A large hotel's snapshot is tens of megabytes, and PostgreSQL's own compression takes a second of processor for it; lz4
-- makes it as small in a quarter of that. A server that was built without lz4 does not compress snapshots at all.
DO $$
BEGIN
  ALTER TABLE snapshots ALTER COLUMN payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  ALTER TABLE snapshots ALTER COLUMN payload SET STORAGE EXTERNAL;
END
$$;

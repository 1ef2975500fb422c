-- Leads by their last change, newest first; a lead made here and not yet on the server has version 0
-- and counts as newest.
CREATE INDEX lead_changed ON lead (CASE version WHEN 0 THEN 9223372036854775807 ELSE version END);

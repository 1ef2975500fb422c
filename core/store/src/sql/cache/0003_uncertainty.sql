-- Proximity looks at how well a lead's position is known, so the index has that, too.
DROP INDEX lead_key;
CREATE INDEX lead_key ON lead (id, lat_e7, lon_e7, gen, score, alert_radius_m, status, tier, uncertainty_m);

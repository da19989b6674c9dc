-- She may read the tables, but of prospectos only some rows: her comparison would find the rest missing.
CREATE ROLE auditora LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditora;
ALTER TABLE prospectos ENABLE ROW LEVEL SECURITY;
CREATE POLICY de_nadie ON prospectos USING (ejecutivo_id IS NULL);

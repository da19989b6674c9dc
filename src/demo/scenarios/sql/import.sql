-- An import that touches every prospecto; the titles go round so that each time something changes.
UPDATE prospectos SET updated_at = now(), titulo = CASE titulo WHEN 'Sr.' THEN 'Sra.' WHEN 'Sra.' THEN 'Lic.' ELSE 'Sr.' END;

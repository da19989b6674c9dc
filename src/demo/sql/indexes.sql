-- Keys and indexes, made once the rows are in: several times faster than maintaining them row by row.

CREATE INDEX prospectos_ejecutivo ON prospectos (ejecutivo_id);
CREATE INDEX prospectos_coordinacion ON prospectos (coordinacion_id);
CREATE INDEX conversaciones_prospecto ON conversaciones_whatsapp (prospecto_id);
CREATE INDEX mensajes_conversacion ON mensajes_whatsapp (conversacion_id, fecha);
CREATE INDEX mensajes_prospecto ON mensajes_whatsapp (prospecto_id, fecha);
CREATE INDEX llamadas_prospecto ON llamadas_ventas (prospecto_id);
CREATE INDEX sesiones_expira ON sesiones (expira_at);
CREATE INDEX recordatorios_pendientes ON recordatorios (programado_at) WHERE enviado_at IS NULL;

ALTER TABLE prospectos
  ADD FOREIGN KEY (coordinacion_id) REFERENCES coordinaciones,
  ADD FOREIGN KEY (ejecutivo_id) REFERENCES profiles;
ALTER TABLE conversaciones_whatsapp
  ADD FOREIGN KEY (prospecto_id) REFERENCES prospectos ON DELETE CASCADE;
ALTER TABLE mensajes_whatsapp
  ADD FOREIGN KEY (conversacion_id) REFERENCES conversaciones_whatsapp ON DELETE CASCADE,
  ADD FOREIGN KEY (prospecto_id) REFERENCES prospectos ON DELETE CASCADE;
ALTER TABLE llamadas_ventas
  ADD FOREIGN KEY (prospecto_id) REFERENCES prospectos ON DELETE CASCADE,
  ADD FOREIGN KEY (ejecutivo_id) REFERENCES profiles;

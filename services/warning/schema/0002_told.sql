-- Matters as every list, GET and live stream tells them; what could tell a person's number is left out.
CREATE VIEW told AS
SELECT kind, scope, key, state, closed, region, due, version,
       jsonb_build_object('id', key, 'state', state, 'region', region, 'due', due, 'changed', changed,
                          'version', version, 'status', split_part(scope, ':', 1))
       || (shown - '{address,addresses,channels,phone,caller}'::text[]) AS told
  FROM matter;

-- The database keeps versions and history itself, so that no way of writing can forget them.

CREATE FUNCTION keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  NEW.created_at := OLD.created_at;
  NEW.updated_at := now();
  RETURN NEW;
END $$;

-- Who changed it: the session says so with `SET LOCAL kaart.actor`; else the database role stands there.
CREATE FUNCTION actor() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('kaart.actor', true), ''), current_user)
$$;

CREATE FUNCTION keep_inserts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO history (row_table, row_id, changed_by, after)
  SELECT TG_TABLE_NAME, id, actor(), to_jsonb(n) - 'words' - 'overview' FROM new_rows n;
  RETURN NULL;
END $$;

CREATE FUNCTION keep_updates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO history (row_table, row_id, changed_by, before, after)
  SELECT TG_TABLE_NAME, n.id, actor(), to_jsonb(o) - 'words' - 'overview', to_jsonb(n) - 'words' - 'overview'
  FROM new_rows n JOIN old_rows o ON o.id = n.id;
  RETURN NULL;
END $$;

CREATE FUNCTION keep_deletes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO history (row_table, row_id, changed_by, before)
  SELECT TG_TABLE_NAME, id, actor(), to_jsonb(o) - 'words' - 'overview' FROM old_rows o;
  RETURN NULL;
END $$;

CREATE PROCEDURE keep_history(kept regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'CREATE TRIGGER version BEFORE UPDATE ON ' || kept || ' FOR EACH ROW EXECUTE FUNCTION keep_version()';
  EXECUTE 'CREATE TRIGGER inserted AFTER INSERT ON ' || kept || ' REFERENCING NEW TABLE AS new_rows '
          'FOR EACH STATEMENT EXECUTE FUNCTION keep_inserts()';
  EXECUTE 'CREATE TRIGGER updated AFTER UPDATE ON ' || kept || ' REFERENCING OLD TABLE AS old_rows '
          'NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_updates()';
  EXECUTE 'CREATE TRIGGER deleted AFTER DELETE ON ' || kept || ' REFERENCING OLD TABLE AS old_rows '
          'FOR EACH STATEMENT EXECUTE FUNCTION keep_deletes()';
END $$;

-- Of a secret the history keeps that it changed, never what it says.
CREATE FUNCTION keep_secret_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO history (row_table, row_id, changed_by, before, after)
  VALUES (TG_TABLE_NAME, CASE TG_OP WHEN 'DELETE' THEN OLD.asset_id ELSE NEW.asset_id END, actor(),
          CASE TG_OP WHEN 'INSERT' THEN NULL ELSE '{}'::jsonb END, CASE TG_OP WHEN 'DELETE' THEN NULL ELSE '{}'::jsonb END);
  RETURN NULL;
END $$;

CREATE TRIGGER secret_changed AFTER INSERT OR UPDATE OR DELETE ON asset_secret
FOR EACH ROW EXECUTE FUNCTION keep_secret_change();

-- Who an asset serves belongs to its history too.
CREATE FUNCTION keep_catchment_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO history (row_table, row_id, changed_by, before, after)
  VALUES (TG_TABLE_NAME, CASE TG_OP WHEN 'DELETE' THEN OLD.asset_id ELSE NEW.asset_id END, actor(),
          CASE TG_OP WHEN 'INSERT' THEN NULL ELSE to_jsonb(OLD) END, CASE TG_OP WHEN 'DELETE' THEN NULL ELSE to_jsonb(NEW) END);
  RETURN NULL;
END $$;

CREATE TRIGGER catchment_changed AFTER INSERT OR UPDATE OR DELETE ON asset_catchment
FOR EACH ROW EXECUTE FUNCTION keep_catchment_change();

CALL keep_history('neighbourhood');
CALL keep_history('organisation');
CALL keep_history('asset');
CALL keep_history('activity');

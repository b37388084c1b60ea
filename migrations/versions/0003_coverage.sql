-- All measures of coverage; runs as jobs; one run that is kept true; and what tells the worker of a change.

ALTER TABLE coverage_run
  ADD COLUMN status VARCHAR(20) DEFAULT 'done' NOT NULL,
  ADD COLUMN step TEXT DEFAULT '' NOT NULL,
  ADD COLUMN progress FLOAT DEFAULT 1 NOT NULL,
  ADD COLUMN failure TEXT,
  ADD COLUMN live BOOLEAN DEFAULT false NOT NULL,
  ADD COLUMN policy JSONB DEFAULT '{}' NOT NULL,
  ADD COLUMN data JSONB DEFAULT '{}' NOT NULL,
  ADD COLUMN walks TEXT DEFAULT 'line' NOT NULL;
CREATE UNIQUE INDEX coverage_run_live ON coverage_run (live) WHERE live;

ALTER TABLE coverage
  ADD COLUMN mean_m FLOAT,
  ADD COLUMN reached_share FLOAT,
  ADD COLUMN p90_m FLOAT,
  ADD COLUMN depth_m FLOAT,
  ADD COLUMN fgt1 FLOAT,
  ADD COLUMN choice FLOAT,
  ADD COLUMN fragile_share FLOAT,
  ADD COLUMN crowding FLOAT,
  ADD COLUMN certain_share FLOAT,
  ADD COLUMN open_hours FLOAT,
  ADD COLUMN worst_part INTEGER,
  ADD COLUMN worst_part_share FLOAT,
  ADD COLUMN people_none FLOAT,
  ADD COLUMN people_doubtful FLOAT,
  ADD COLUMN people_closed FLOAT,
  ADD COLUMN people_full FLOAT,
  ADD COLUMN people_served FLOAT,
  ADD COLUMN gap FLOAT,
  ADD COLUMN covered_lo FLOAT,
  ADD COLUMN covered_hi FLOAT,
  ADD COLUMN band_lo FLOAT,
  ADD COLUMN band_hi FLOAT,
  ADD COLUMN unknown_residents FLOAT,
  ADD COLUMN edge_share FLOAT,
  ADD COLUMN fallback_share FLOAT,
  ADD COLUMN demand_source TEXT,
  ADD COLUMN groups JSONB DEFAULT '{}' NOT NULL,
  ADD COLUMN why JSONB DEFAULT '{}' NOT NULL;

CREATE TABLE demand_address (
  id TEXT NOT NULL,
  x FLOAT NOT NULL,
  y FLOAT NOT NULL,
  residents FLOAT,
  job_id UUID NOT NULL,
  CONSTRAINT demand_address_pkey PRIMARY KEY (job_id, id),
  CONSTRAINT demand_address_job_id_fkey FOREIGN KEY (job_id) REFERENCES import_job (id)
);

CREATE TABLE coverage_question (
  id UUID NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  question JSONB NOT NULL,
  answer JSONB,
  refusal TEXT,
  answered_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT coverage_question_pkey PRIMARY KEY (id)
);

-- The worker listens on kaart_change. `assets …` names up to 100 assets; `all` says that it must read everything again.
CREATE FUNCTION tell_ids(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(ids) BETWEEN 1 AND 100 THEN
    PERFORM pg_notify('kaart_change', 'assets ' || array_to_string(ids, ' '));
  ELSIF cardinality(ids) > 100 THEN
    PERFORM pg_notify('kaart_change', 'all');
  END IF;
END $$;

CREATE FUNCTION tell_new_assets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_ids(array(SELECT id::text FROM new_rows WHERE kind <> 'volunteer' ORDER BY id LIMIT 101));
  RETURN NULL;
END $$;

CREATE FUNCTION tell_old_assets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_ids(array(SELECT id::text FROM old_rows WHERE kind <> 'volunteer' ORDER BY id LIMIT 101));
  RETURN NULL;
END $$;

CREATE FUNCTION tell_new_catchments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_ids(array(SELECT DISTINCT asset_id::text FROM new_rows ORDER BY 1 LIMIT 101));
  RETURN NULL;
END $$;

CREATE FUNCTION tell_old_catchments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_ids(array(SELECT DISTINCT asset_id::text FROM old_rows ORDER BY 1 LIMIT 101));
  RETURN NULL;
END $$;

CREATE FUNCTION tell_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('kaart_change', 'all');
  RETURN NULL;
END $$;

CREATE TRIGGER told_insert AFTER INSERT ON asset REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION tell_new_assets();
CREATE TRIGGER told_update AFTER UPDATE ON asset REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION tell_new_assets();
CREATE TRIGGER told_delete AFTER DELETE ON asset REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION tell_old_assets();
CREATE TRIGGER told_insert AFTER INSERT ON asset_catchment REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION tell_new_catchments();
CREATE TRIGGER told_delete AFTER DELETE ON asset_catchment REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION tell_old_catchments();
CREATE TRIGGER told_all AFTER INSERT OR UPDATE OR DELETE ON neighbourhood FOR EACH STATEMENT EXECUTE FUNCTION tell_all();
CREATE TRIGGER told_all AFTER INSERT OR UPDATE OR DELETE ON square FOR EACH STATEMENT EXECUTE FUNCTION tell_all();
CREATE TRIGGER told_all AFTER INSERT OR UPDATE OR DELETE ON demand_address FOR EACH STATEMENT EXECUTE FUNCTION tell_all();

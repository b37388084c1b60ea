-- The streets that people walk. A network belongs to its import: the last one that is done and has edges is in force.

CREATE TABLE network_edge (
  job_id UUID NOT NULL,
  number INTEGER NOT NULL,
  start_node INTEGER NOT NULL,
  end_node INTEGER NOT NULL,
  metres FLOAT NOT NULL,
  geom geometry(LINESTRING,28992) NOT NULL,
  CONSTRAINT network_edge_pkey PRIMARY KEY (job_id, number),
  CONSTRAINT network_edge_job_id_fkey FOREIGN KEY (job_id) REFERENCES import_job (id)
);

CREATE TRIGGER told_all AFTER INSERT OR UPDATE OR DELETE ON network_edge FOR EACH STATEMENT EXECUTE FUNCTION tell_all();

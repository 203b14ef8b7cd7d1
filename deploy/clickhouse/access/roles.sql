-- Who may do what, for a ClickHouse that others use, too. An administrator applies it once, and grants each user a role:
--     clickhouse-client --multiquery < deploy/clickhouse/access/roles.sql
--     CREATE USER sluice IDENTIFIED WITH sha256_password BY '…'
--     GRANT sluice_worker TO sluice
-- The database is called sluice here; another name stands in SLUICE_CLICKHOUSE_URL and in place of it below.

-- `sluice migrate`, `sluice erase`, and a change of SLUICE_KEEP_…_DAYS: the schema, and rows that go.
CREATE ROLE IF NOT EXISTS sluice_owner;
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, ALTER, OPTIMIZE, SELECT, INSERT ON sluice.* TO sluice_owner;

-- Workers, cuts, and people at the command line. A cut makes tables of its own, and drops them.
CREATE ROLE IF NOT EXISTS sluice_worker;
GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE ON sluice.* TO sluice_worker;

-- Grafana: reads, within limits that a dashboard which is opened by mistake cannot pass.
CREATE ROLE IF NOT EXISTS sluice_reader SETTINGS readonly = 2, max_execution_time = 30, max_memory_usage = 4000000000;
GRANT SELECT ON sluice.* TO sluice_reader;

"""How what Sluice makes in Grafana is told from what others made: uids with a prefix of ours, and a tag."""

TAG = "sluice"
FOLDER, FOLDER_TITLE = "sluice", "Sluice"
DASHBOARD = "sluice-"  # before a dashboard's own name
UID = {"prometheus": "sluice-prometheus", "grafana-clickhouse-datasource": "sluice-clickhouse"}  # by the plugin's id
FINDINGS_TAGS = (TAG, "finding")  # of the annotations that sinks/grafana.py writes; a test holds them together
PAGES_URL = "http://127.0.0.1:6066"  # where dashboards lead until a push says better: SLUICE_PAGES_URL

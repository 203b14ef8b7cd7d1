"""Workers, Kafka and ClickHouse are broken at random, under load with known ids; nothing may be lost or doubled."""

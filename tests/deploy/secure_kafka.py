"""Apache Kafka with locks: mutual TLS on one port; SCRAM, PLAIN and OAUTHBEARER under TLS on another."""

from collections.abc import Sequence
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from deploy.local.kafka import ApacheKafka
from deploy.local.processes import LOOPBACK, free_port

USER, PASSWORD = "sluice", "a-password-of-the-tests"
JAAS = "org.apache.kafka.common.security"


class SecureKafka(ApacheKafka):
    """Its plain port stays, to see whether it is up; `ssl` and `sasl` are host:port of the locked ones."""

    name = "secure-kafka"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.ssl, self.sasl = f"{LOOPBACK}:{free_port()}", f"{LOOPBACK}:{free_port()}"
        self.ca, self.key_store = folder / "ca.pem", folder / "broker.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        _as_key_store(authority.issue_cert(LOOPBACK), self.key_store)
        self.certificate = folder / "client.pem"
        _as_key_store(authority.issue_cert("sluice@example.org"), self.certificate)

    def _format_options(self) -> Sequence[str]:
        return [
            option
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for option in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
        ]

    def _properties(self, records: Path) -> dict[str, str]:
        plain = super()._properties(records)
        on = "listener.name.sasl_ssl"
        return plain | {
            "listeners": f"{plain['listeners']},SSL://{self.ssl},SASL_SSL://{self.sasl}",
            "advertised.listeners": f"{plain['advertised.listeners']},SSL://{self.ssl},SASL_SSL://{self.sasl}",
            "listener.security.protocol.map": (f"{plain['listener.security.protocol.map']},SSL:SSL,SASL_SSL:SASL_SSL"),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.key_store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca),
            "listener.name.ssl.ssl.client.auth": "required",
            f"{on}.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER",
            f"{on}.scram-sha-256.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
            f"{on}.scram-sha-512.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
            f"{on}.plain.sasl.jaas.config": f'{JAAS}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
            f"{on}.oauthbearer.sasl.jaas.config": (
                f'{JAAS}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
            ),
        }


def _as_key_store(certificate: trustme.LeafCert, path: Path) -> None:
    """Write a key and its chain as one file; Kafka reads keys in PKCS #8 alone."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + chain)

//! The local CA: a key that can vouch for WeChat's three hosts and nothing else, and certificates by it.
//!
//! Name constraints in the CA's certificate keep a leaked key harmless for every other name. Times are the
//! machine's: clients compare certificates with their own clocks, not with the sandbox's.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use store::clock::Clock;
use tokio_rustls::rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};

use super::{HOSTS, InterceptError};
use crate::{clock::WallClock, settings::secret};

const DAY_SECONDS: u64 = 24 * 3_600;
/// Life of the CA of a folder; who trusts it does so by hand, and not every month.
const CA_LIFE: Duration = Duration::from_secs(10 * 365 * DAY_SECONDS);
/// Life of a host's certificate.
const LEAF_LIFE: Duration = Duration::from_secs(30 * DAY_SECONDS);
/// A certificate of this age is made anew.
const LEAF_RENEWAL_SECONDS: i64 = 10 * 24 * 3_600;
/// Clients' clocks may be behind by this much.
const SKEW: Duration = Duration::from_secs(DAY_SECONDS);
const KEY_FILE: &str = "ca.key";
const CERTIFICATE_FILE: &str = "ca.pem";

/// A CA with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    provider: Arc<CryptoProvider>,
    certificate_file: PathBuf,
    clock: WallClock,
    issued: Mutex<HashMap<&'static str, Issued>>,
    /// Goes away with the CA.
    _temporary: Option<tempfile::TempDir>,
}

struct Issued {
    at: Timestamp,
    key: Arc<CertifiedKey>,
}

impl Authority {
    /// The CA of a folder, made where there is none.
    pub fn in_folder(folder: &Path) -> Result<Self, InterceptError> {
        secret::open_private_folder(folder)?;
        let made = KeyPair::generate()?;
        let key = secret::read_or_make(&folder.join(KEY_FILE), || made.serialize_pem())?;
        let key = KeyPair::from_pem(&key).map_err(|error| mismatch(folder, error))?;
        let now = WallClock::default().now();
        let made = ca(&key, now).self_signed(&key)?;
        // Absolute: it is pasted into other shells.
        let folder = &folder.canonicalize()?;
        let file = folder.join(CERTIFICATE_FILE);
        let text = secret::read_or_make(&file, || made.pem())?;
        let authority = Self::new(key, now, file, None);
        authority.check(&text).map_err(|error| mismatch(folder, error))?;
        Ok(authority)
    }

    /// A CA whose key is nowhere but in memory; its certificate lies in a temporary folder.
    pub fn in_memory() -> Result<Self, InterceptError> {
        // A certificate is public: programs of other users may read it.
        let folder = tempfile::Builder::new()
            .prefix("qunfa-intercept-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()?;
        let key = KeyPair::generate()?;
        let now = WallClock::default().now();
        let file = folder.path().join(CERTIFICATE_FILE);
        fs::write(&file, ca(&key, now).self_signed(&key)?.pem())?;
        Ok(Self::new(key, now, file, Some(folder)))
    }

    fn new(
        key: KeyPair,
        now: Timestamp,
        certificate_file: PathBuf,
        temporary: Option<tempfile::TempDir>,
    ) -> Self {
        Self {
            issuer: Issuer::new(ca(&key, now), key),
            provider: Arc::new(aws_lc_rs::default_provider()),
            certificate_file,
            clock: WallClock::default(),
            issued: Mutex::default(),
            _temporary: temporary,
        }
    }

    /// The CA's certificate, in PEM.
    pub fn certificate_file(&self) -> &Path {
        &self.certificate_file
    }

    /// The cryptography behind TLS.
    pub fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    /// Certificate and key of a host; the same ones for some days.
    pub fn key_of(&self, host: &'static str) -> Result<Arc<CertifiedKey>, InterceptError> {
        let now = self.clock.now();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = issued.get(host)
            && now.seconds() - known.at.seconds() < LEAF_RENEWAL_SECONDS
        {
            return Ok(known.key.clone());
        }
        let key = Arc::new(self.issue(host, now)?);
        issued.insert(
            host,
            Issued {
                at: now,
                key: key.clone(),
            },
        );
        Ok(key)
    }

    fn issue(&self, host: &str, now: Timestamp) -> Result<CertifiedKey, InterceptError> {
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new([host.to_owned()])?;
        leaf.distinguished_name.push(DnType::CommonName, host);
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        valid_for(&mut leaf, now, LEAF_LIFE);
        let certificate = leaf.signed_by(&key, &self.issuer)?;
        let key =
            PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
        Ok(CertifiedKey::from_der(
            vec![certificate.der().clone()],
            key,
            &self.provider,
        )?)
    }

    /// Whether a client that trusts the certificate in this PEM will take what the key signs.
    fn check(&self, pem: &str) -> Result<(), String> {
        let root = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())?;
        for host in HOSTS {
            let key = self.key_of(host).map_err(|error| error.to_string())?;
            self.is_taken(root.clone(), host, &key)
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Whether a client that trusts `root` takes this certificate for `name`, now.
    fn is_taken(
        &self,
        root: CertificateDer<'static>,
        name: &str,
        key: &CertifiedKey,
    ) -> Result<(), Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(root)?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots.into(), self.provider.clone()).build()?;
        let now = UnixTime::since_unix_epoch(since_epoch(self.clock.now()));
        let name = ServerName::try_from(name)?;
        verifier.verify_server_cert(key.end_entity_cert()?, &[], &name, &[], now)?;
        Ok(())
    }
}

fn mismatch(folder: &Path, reason: impl ToString) -> InterceptError {
    InterceptError::Mismatch {
        folder: folder.into(),
        reason: reason.to_string(),
    }
}

/// The CA's certificate before it is signed: for servers, for [`HOSTS`], not for addresses, not for other CAs.
fn ca(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let mut ca = CertificateParams::default();
    // Told apart in a client's list by the beginning of the key's digest.
    let id = hex::encode(
        ca.key_identifier(key)
            .iter()
            .take(4)
            .copied()
            .collect::<Vec<u8>>(),
    );
    ca.distinguished_name = rcgen::DistinguishedName::new();
    ca.distinguished_name.push(
        DnType::CommonName,
        format!("qunfa sandbox {id}: test only, WeChat's API hosts only"),
    );
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    ca.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    ca.name_constraints = Some(NameConstraints {
        permitted_subtrees: HOSTS
            .iter()
            .map(|host| GeneralSubtree::DnsName((*host).into()))
            .collect(),
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    });
    valid_for(&mut ca, now, CA_LIFE);
    ca
}

fn valid_for(certificate: &mut CertificateParams, now: Timestamp, life: Duration) {
    let now = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(now);
    (certificate.not_before, certificate.not_after) = (now - SKEW, now + life);
}

fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_secs(at.seconds().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaked_key_is_harmless_for_every_other_name() {
        let authority = Authority::in_memory().expect("a CA");
        let pem = fs::read(authority.certificate_file()).expect("the certificate");
        let root = CertificateDer::from_pem_slice(&pem).expect("PEM");
        let taken = |name: &str| {
            let key = authority
                .issue(name, authority.clock.now())
                .expect("a certificate");
            authority.is_taken(root.clone(), name, &key).is_ok()
        };
        for host in HOSTS {
            assert!(taken(host), "{host}");
        }
        for name in [
            "example.com",
            "weixin.qq.com",
            "qq.com",
            "127.0.0.1",
            "::1",
            "xapi.weixin.qq.com",
        ] {
            assert!(!taken(name), "{name}");
        }
    }

    #[test]
    fn a_host_keeps_its_certificate_for_some_days_only() {
        let authority = Authority::in_memory().expect("a CA");
        let [host, ..] = HOSTS;
        let first = authority.key_of(host).expect("a certificate");
        assert!(Arc::ptr_eq(&first, &authority.key_of(host).expect("the same")));
        if let Some(issued) = authority.issued.lock().expect("free").get_mut(host) {
            issued.at = issued.at.plus_seconds(-LEAF_RENEWAL_SECONDS);
        }
        assert!(!Arc::ptr_eq(&first, &authority.key_of(host).expect("a new one")));
    }
}

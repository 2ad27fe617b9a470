//! Web Push: a message sealed for one browser (RFC 8291) and the signature of its sender (VAPID, RFC 8292).

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD},
    },
};
use web_push_native::{
    Auth, encrypt,
    p256::{
        PublicKey, SecretKey,
        ecdsa::{Signature, SigningKey, signature::Signer},
        elliptic_curve::{rand_core::OsRng, sec1::ToEncodedPoint},
    },
};

/// Browsers write keys without padding; some libraries put it there.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes of the secret that a browser shares with its senders.
const AUTH_BYTES: usize = 16;

/// Keys that no browser made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// Not a point of the curve.
    #[error("keys.p256dh must be an uncompressed P-256 point in base64url")]
    PublicKey,
    /// Not 16 bytes.
    #[error("keys.auth must be 16 bytes in base64url")]
    Auth,
}

/// The keys of one browser, checked.
#[derive(Clone)]
pub struct BrowserKeys {
    public: PublicKey,
    auth: [u8; AUTH_BYTES],
}

impl std::fmt::Debug for BrowserKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserKeys")
    }
}

impl BrowserKeys {
    /// Reads the keys as a browser tells them (`PushSubscription.toJSON()`).
    pub fn parse(p256dh: &str, auth: &str) -> Result<Self, BadKeys> {
        let public = KEY_BASE64.decode(p256dh).map_err(|_| BadKeys::PublicKey)?;
        let auth = KEY_BASE64.decode(auth).map_err(|_| BadKeys::Auth)?;
        Self::from_bytes(&public, &auth)
    }

    /// The same from bytes.
    pub fn from_bytes(p256dh: &[u8], auth: &[u8]) -> Result<Self, BadKeys> {
        // RFC 8291 §3.1 wants the uncompressed form; a point that is not on the curve is refused by the library.
        let uncompressed = p256dh.len() == 65 && p256dh.first() == Some(&4);
        let public = uncompressed
            .then(|| PublicKey::from_sec1_bytes(p256dh).ok())
            .flatten();
        Ok(Self {
            public: public.ok_or(BadKeys::PublicKey)?,
            auth: auth.try_into().map_err(|_| BadKeys::Auth)?,
        })
    }

    /// The public key, 65 bytes.
    pub fn p256dh(&self) -> Vec<u8> {
        self.public.to_encoded_point(false).as_bytes().to_vec()
    }

    /// The shared secret, 16 bytes.
    pub fn auth(&self) -> &[u8] {
        &self.auth
    }

    /// The body of a request with `message` in it, as `aes128gcm`; `None` when it is too long for one record.
    pub fn seal(&self, message: &[u8]) -> Option<Vec<u8>> {
        encrypt(message.to_vec(), &self.public, Auth::from_slice(&self.auth)).ok()
    }
}

/// The key that a server signs its pushes with (application server key).
#[derive(Clone)]
pub struct SenderKey(SigningKey);

impl std::fmt::Debug for SenderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SenderKey")
    }
}

impl SenderKey {
    /// The bytes of a new key, from the operating system's chance.
    pub fn generate() -> [u8; 32] {
        SecretKey::random(&mut OsRng).to_bytes().into()
    }

    /// The key of these bytes; `None` when they are none.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let secret = SecretKey::from_slice(bytes).ok()?;
        Some(Self(SigningKey::from(&secret)))
    }

    /// What a browser is given as `applicationServerKey`, in base64url.
    pub fn public(&self) -> String {
        let point = self.0.verifying_key().to_encoded_point(false);
        URL_SAFE_NO_PAD.encode(point.as_bytes())
    }

    /// The `Authorization` of pushes to the service at `audience` (scheme, host and port), until `expires` (Unix seconds,
    /// less than a day ahead); `subject` is how the service reaches the sender.
    pub fn authorization(&self, audience: &str, subject: &str, expires: i64) -> String {
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let claims = serde_json::json!({"aud": audience, "exp": expires, "sub": subject});
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signature: Signature = self.0.sign(format!("{head}.{claims}").as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("vapid t={head}.{claims}.{signature}, k={}", self.public())
    }
}

#[cfg(test)]
mod tests {
    use web_push_native::{
        decrypt,
        p256::ecdsa::{VerifyingKey, signature::Verifier},
    };

    use super::*;

    /// RFC 8291, appendix A.
    const PLAIN: &str = "When I grow up, I want to be a watermelon";
    const PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    }

    fn open(body: Vec<u8>) -> Option<Vec<u8>> {
        let secret = SecretKey::from_slice(&bytes(PRIVATE)).expect("a key");
        decrypt(body, &secret, Auth::from_slice(&bytes(AUTH))).ok()
    }

    #[test]
    fn the_example_of_rfc_8291_is_read_and_written() {
        assert_eq!(open(bytes(BODY)).as_deref(), Some(PLAIN.as_bytes()));
        let keys = BrowserKeys::parse(PUBLIC, AUTH).expect("keys");
        assert_eq!(
            (keys.p256dh(), keys.auth()),
            (bytes(PUBLIC), bytes(AUTH).as_slice())
        );
        let body = keys.seal(PLAIN.as_bytes()).expect("short enough");
        assert_eq!(open(body.clone()).as_deref(), Some(PLAIN.as_bytes()));
        assert_ne!(
            keys.seal(PLAIN.as_bytes()),
            Some(body),
            "salt and key are new each time"
        );
    }

    #[test]
    fn keys_that_are_no_keys_are_refused() {
        assert!(BrowserKeys::parse(&format!("{PUBLIC}="), &format!("{AUTH}==")).is_ok());
        let mut off_curve = bytes(PUBLIC);
        off_curve[64] ^= 1;
        let off_curve = URL_SAFE_NO_PAD.encode(off_curve);
        let compressed = {
            let mut point = vec![2];
            point.extend_from_slice(&bytes(PUBLIC)[1..33]);
            URL_SAFE_NO_PAD.encode(point)
        };
        for bad in ["", "AA", "not base64!", &PUBLIC[..80], &off_curve, &compressed] {
            assert_eq!(
                BrowserKeys::parse(bad, AUTH).err(),
                Some(BadKeys::PublicKey),
                "{bad}"
            );
        }
        for bad in ["", "AAAA", "%%", PRIVATE] {
            assert_eq!(
                BrowserKeys::parse(PUBLIC, bad).err(),
                Some(BadKeys::Auth),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_push_is_signed_by_the_key_that_browsers_were_given() {
        let key = SenderKey::from_bytes(&SenderKey::generate()).expect("a key");
        let header = key.authorization(
            "https://push.example.net",
            "mailto:ops@example.org",
            1_800_000_000,
        );
        let (token, public) = header
            .strip_prefix("vapid t=")
            .and_then(|rest| rest.split_once(", k="))
            .expect("both parts");
        assert_eq!(public, key.public());
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let verifying = VerifyingKey::from_sec1_bytes(&bytes(public)).expect("a point");
        let signature = Signature::from_slice(&bytes(signature)).expect("64 bytes");
        verifying
            .verify(signed.as_bytes(), &signature)
            .expect("our signature");
        let (head, claims) = signed.split_once('.').expect("two parts");
        let json = |part| serde_json::from_slice::<serde_json::Value>(&bytes(part)).expect("JSON");
        assert_eq!(json(head)["alg"], "ES256");
        assert_eq!(json(claims)["aud"], "https://push.example.net");
        assert_eq!(json(claims)["exp"], 1_800_000_000);
        assert_eq!(json(claims)["sub"], "mailto:ops@example.org");
        assert!(SenderKey::from_bytes(&[0; 32]).is_none());
    }
}

//! What goes over the wire to and from accounts' servers.

use domain::openid::OpenIdKey;
use serde::{Serialize, de::DeserializeOwned};
use server::api::mass::{audience, content};
use wire::{
    body,
    callback::{
        AesKey, decrypt, encrypt,
        event::{MassFinished, PublishFinished},
        msg_signature, signatures_match,
        xml::Element,
    },
    errcode::ErrCode,
    mass::{Get, Preview, Send, SendAll, SpeedSet},
};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OTHER_KEY: &str = "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// What was encrypted is read back by its receiver and nobody else; what was changed has not the signature (SEC7).
pub fn callback_cipher(data: &[u8]) {
    let (key, other) = (AesKey::parse(KEY), AesKey::parse(OTHER_KEY));
    let (Ok(key), Ok(other)) = (key, other) else {
        panic!("the keys are keys")
    };
    let text = String::from_utf8_lossy(data);
    if let Ok(message) = decrypt(&key, &text, "wx1") {
        assert!(
            decrypt(&key, &text, "wx2").is_err(),
            "{message} is read by two accounts"
        );
    }
    let sealed = encrypt(&key, [7; 16], &text, "wx1");
    assert_eq!(decrypt(&key, &sealed, "wx1").as_deref(), Ok(&*text));
    assert!(decrypt(&key, &sealed, "wx11").is_err());
    assert!(decrypt(&other, &sealed, "wx1").is_err());
    let [place, mask, ..] = data else { return };
    let mut forged = sealed.clone().into_bytes();
    let place = usize::from(*place) % forged.len();
    forged[place] ^= mask & 0x7f;
    let forged = String::from_utf8_lossy(&forged);
    if forged != sealed {
        let given = msg_signature("token", "1", "2", &sealed);
        assert!(!signatures_match(
            &msg_signature("token", "1", "2", &forged),
            &given
        ));
        // Whatever it decrypts to, it is no fault of ours to be asked.
        let _ = decrypt(&key, &forged, "wx1");
    }
}

/// Documents are read without a DTD; an event that is read is written and read back the same.
pub fn callback_xml(data: &[u8]) {
    let Ok(xml) = str::from_utf8(data) else { return };
    if let Ok(root) = Element::parse(xml) {
        assert!(depth(&root) <= 16);
        assert!(!xml.trim_start().starts_with("<!DOCTYPE"), "a DTD is never read");
    }
    if let Ok(event) = MassFinished::from_xml(xml) {
        assert_eq!(
            MassFinished::from_xml(&event.to_xml())
                .as_ref()
                .map(MassFinished::to_xml),
            Ok(event.to_xml())
        );
    }
    if let Ok(event) = PublishFinished::from_xml(xml) {
        let again = PublishFinished::from_xml(&event.to_xml());
        assert_eq!(again.as_ref().map(PublishFinished::to_xml), Ok(event.to_xml()));
    }
}

fn depth(element: &Element) -> usize {
    1 + element.children.iter().map(depth).max().unwrap_or_default()
}

/// Bodies of the mass-send calls: every refusal is an errcode, and what is understood is understood again when it
/// is written down.
pub fn mass_body(data: &[u8]) {
    settles::<Send>(data);
    settles::<Preview>(data);
    settles::<Get>(data);
    settles::<SpeedSet>(data);
    settles::<SendAll>(data);
    let Ok(body) = body::read::<SendAll>(data) else {
        return;
    };
    documented(audience::of_filter(body.filter).err());
    documented(content::of_message(body.message).err().map(|error| error.code));
    if let Ok(body) = body::read::<Send>(data) {
        let key = OpenIdKey::new(b"0123456789abcdef");
        documented(audience::of_list(&key, body.touser).err());
    }
}

/// An errcode of the document: a number with a text.
fn documented(code: Option<ErrCode>) {
    if let Some(code) = code {
        assert!(code.code() > 40_000 && !code.message().is_empty(), "{code:?}");
    }
}

/// What is written of a body is read as the same, once what could not be understood is left out.
fn settles<T: DeserializeOwned + Serialize>(data: &[u8]) {
    let written = |shape: &T| serde_json::to_vec(shape).expect("shapes are JSON");
    let again =
        |text: &[u8]| body::read::<T>(text).unwrap_or_else(|error| panic!("what is written: {error}"));
    let Ok(given) = body::read::<T>(data) else { return };
    let understood = written(&again(&written(&given)));
    assert_eq!(written(&again(&understood)), understood);
}

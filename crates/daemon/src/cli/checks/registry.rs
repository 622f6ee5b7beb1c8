//! Whether a registry shows an image to anybody: its manifest is asked for, as a runtime does
//! before it pulls (the OCI distribution specification, "Pulling manifests"; tokens as in
//! distribution's "Token Authentication Specification"). Nothing is pulled.

use http::header::{ACCEPT, AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use crate::drivers::lease::https::{Https, Reply};

#[cfg(test)]
pub(super) mod tests;

/// The kinds of manifests that runtimes take.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json";

/// Where images are that name no registry, and which host that is.
const USUAL: &str = "docker.io";
const USUAL_HOST: &str = "registry-1.docker.io";

/// What a registry says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pull {
    /// Anybody may pull it; its digest, where it is told.
    There(Option<String>),
    /// There is none such.
    Absent,
    /// It is shown to nobody without credentials, or not there.
    Hidden(StatusCode),
    /// It could not be told; why, for people.
    Unknown(String),
}

/// Where an image is, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The registry, as images name it.
    pub(super) registry: String,
    /// Its host, with a port if there is one.
    host: String,
    repository: String,
    /// A tag, or a digest.
    version: String,
}

impl Place {
    /// Of an image's name: what it leaves out is as the runtimes have it
    /// (github.com/distribution/reference). None: it is no image's name.
    pub(super) fn of(image: &str) -> Option<Self> {
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (image, None),
        };
        let is_host = |word: &str| {
            word.contains(['.', ':']) || word == "localhost" || word.contains(char::is_uppercase)
        };
        let (registry, path) = match rest.split_once('/') {
            Some((first, path)) if is_host(first) => (first, path),
            _ => (USUAL, rest),
        };
        let registry = if registry == "index.docker.io" { USUAL } else { registry };
        let (path, tag) = path.split_once(':').unwrap_or((path, "latest"));
        let version = digest.unwrap_or(tag);
        let plain = |text: &str, others: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        if !plain(path, "._-/") || !plain(version, "._-:+") || !plain(registry, ".-:[]") {
            return None;
        }
        let own = registry == USUAL;
        Some(Self {
            registry: registry.to_owned(),
            host: if own { USUAL_HOST } else { registry }.to_owned(),
            repository: match path.contains('/') {
                false if own => format!("library/{path}"),
                _ => path.to_owned(),
            },
            version: version.to_owned(),
        })
    }

    /// Its name says no version.
    pub(super) fn is_latest(&self) -> bool {
        self.version == "latest"
    }

    fn manifest(&self) -> String {
        format!("https://{}/v2/{}/manifests/{}", self.host, self.repository, self.version)
    }
}

/// Asks the registry.
pub(super) async fn ask(https: &Https, place: &Place) -> Pull {
    match asked(https, place).await {
        Ok(pull) => pull,
        Err(why) => Pull::Unknown(why),
    }
}

async fn asked(https: &Https, place: &Place) -> Result<Pull, String> {
    let first = manifest(https, place, None).await?;
    if first.status != StatusCode::UNAUTHORIZED {
        return Ok(judge(&first));
    }
    // Whoever wants a name and a password does not say where tokens are.
    let Some(challenge) = Challenge::of(&first.headers) else { return Ok(judge(&first)) };
    let url = challenge.url(place);
    let reply = https.ask(Method::GET, &url, &[]).await?;
    if !reply.status.is_success() {
        return Ok(match judge(&reply) {
            hidden @ Pull::Hidden(_) => hidden,
            _ => Pull::Unknown(format!("{} answers {}", challenge.realm, reply.status)),
        });
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let token = body["token"].as_str().or_else(|| body["access_token"].as_str());
    let token = token.ok_or_else(|| format!("{} gives no token", challenge.realm))?;
    Ok(judge(&manifest(https, place, Some(token)).await?))
}

async fn manifest(https: &Https, place: &Place, token: Option<&str>) -> Result<Reply, String> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![(ACCEPT, MANIFESTS)];
    headers.extend(bearer.as_deref().map(|bearer| (AUTHORIZATION, bearer)));
    https.ask(Method::HEAD, &place.manifest(), &headers).await
}

fn judge(reply: &Reply) -> Pull {
    match reply.status {
        StatusCode::OK => {
            let digest = reply.headers.get("docker-content-digest");
            Pull::There(digest.and_then(|digest| digest.to_str().ok()).map(ToOwned::to_owned))
        }
        StatusCode::NOT_FOUND => Pull::Absent,
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Pull::Hidden(status),
        status => Pull::Unknown(format!("it answers {status}")),
    }
}

/// Where a token is to be had, and for what (RFC 6750, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    /// The first of the scheme `Bearer`; none: there is none that says where.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let all = headers.get_all(WWW_AUTHENTICATE).iter();
        all.filter_map(|value| Self::parse(value.to_str().ok()?)).next()
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (None, None, None);
        while let Some((name, after)) = rest.split_once('=') {
            let (value, more) = match after.trim_start().strip_prefix('"') {
                // A scope has commas: repository:a:pull,push.
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            match name.trim_matches([' ', ',']).to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value.to_owned()),
                "service" => service = Some(value.to_owned()),
                "scope" => scope = Some(value.to_owned()),
                _ => {}
            }
            rest = more;
        }
        Some(Self { realm: realm?, service, scope })
    }

    /// Where a token for that image is.
    fn url(&self, place: &Place) -> String {
        let usual = || format!("repository:{}:pull", place.repository);
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(service) = &self.service {
            query.append_pair("service", service);
        }
        query.append_pair("scope", &self.scope.clone().unwrap_or_else(usual));
        let mark = if self.realm.contains('?') { '&' } else { '?' };
        format!("{}{mark}{}", self.realm, query.finish())
    }
}

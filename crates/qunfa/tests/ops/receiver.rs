//! A receiver of callbacks that does not want them.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Lets itself be verified, and answers every event with an error and `text`; gives back its address.
pub async fn failing(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65_536];
            let length = stream.read(&mut request).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let echo = request
                .split("echostr=")
                .nth(1)
                .and_then(|rest| rest.split(['&', ' ']).next());
            let (status, body) = echo.map_or((500, text), |echo| (200, echo));
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/hook")
}

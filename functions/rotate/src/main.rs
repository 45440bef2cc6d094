//! Runs the `rotate` function under Lambda's runtime.

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    nightshift_lambda::run(nightshift_rotate::start(|name| std::env::var(name).ok())).await
}

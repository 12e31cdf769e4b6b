//! The least that a first process can do: say that it runs, and wait for the machine's end.

fn main() {
    println!("an empty init");
    loop {
        std::thread::park();
    }
}

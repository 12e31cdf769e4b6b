// dynalite on a free port of this machine, which it prints. It ends with its standard input.
import dynalite from "dynalite";

process.stdin.resume().on("end", () => process.exit());
const server = dynalite({ createTableMs: 0, deleteTableMs: 0 });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

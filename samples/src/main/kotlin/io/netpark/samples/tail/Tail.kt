package io.netpark.samples.tail

import io.netpark.samples.BindingChoice
import io.netpark.samples.closeAtSignal
import io.netpark.samples.demand
import io.netpark.samples.lookUp
import io.netpark.samples.run
import io.netpark.samples.text
import picocli.CommandLine.Command
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Parameters
import picocli.CommandLine.Spec
import java.net.InetSocketAddress
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.Callable
import kotlin.system.exitProcess

/** A growing file for many clients, until a signal ends it. */
@Command(
    name = "samples/run tail",
    sortOptions = false,
    description = [
        "Sends every line that is added to a file to every client, as tail -F does for one. The file may be renamed and made " +
            "again, cut, deleted, or not be there yet; its folder must stay where it is. For a client that reads too slowly " +
            "lines are skipped, and it is told how many. One that ends its stream is disconnected. SIGTERM or SIGINT ends it.",
    ],
)
private class Tail : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Parameters(index = "0", paramLabel = "FILE", description = ["What to follow."])
    private lateinit var file: Path

    @Option(names = ["--port"], required = true, paramLabel = "P", description = ["Where to listen; 0 takes a free port."])
    private var port = 0

    @Option(names = ["--host"], paramLabel = "H", description = ["Where to listen (default: 127.0.0.1)."])
    private var host = "127.0.0.1"

    @Option(names = ["--lines"], paramLabel = "N", description = ["How many of the last lines come first (default: 10)."])
    private var lines = 10

    @Option(names = ["--loops"], paramLabel = "N", description = ["How many event loops (default: 1)."])
    private var loops = 1

    @Option(names = ["--binding"], paramLabel = "B", description = ["How to call the kernel: auto (default), jna or ffm."])
    private var binding = BindingChoice.AUTO

    override fun call(): Int {
        spec.demand(port in 0..65535) { "--port must be 0 to 65535, not $port" }
        spec.demand(lines >= 0) { "--lines must not be negative: $lines" }
        spec.demand(loops > 0) { "--loops must be at least 1, not $loops" }
        spec.demand(!Files.exists(file) || Files.isRegularFile(file)) { "$file is not a file" }

        val address = InetSocketAddress(lookUp(host), port)
        val server = TailServer(file, lines, address) { it.loops(loops).also(binding::applyTo) }
        closeAtSignal(server)
        println("listening on ${text(server.address() as InetSocketAddress)}")
        return 0
    }
}

fun main(arguments: Array<String>) {
    val status = run(Tail(), arguments)
    if (status != 0) exitProcess(status) // else the server runs now, or help was all that was asked for
}

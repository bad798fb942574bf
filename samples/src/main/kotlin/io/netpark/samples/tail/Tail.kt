package io.netpark.samples.tail

import io.netpark.samples.EventLoops
import io.netpark.samples.Listening
import io.netpark.samples.demand
import io.netpark.samples.serve
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Parameters
import picocli.CommandLine.Spec
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.Callable

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

    /** The file is followed on one event loop; more are for very many clients. */
    @Mixin
    private val listening = Listening(EventLoops(1))

    @Parameters(index = "0", paramLabel = "FILE", description = ["What to follow."])
    private lateinit var file: Path

    @Option(names = ["--lines"], paramLabel = "N", description = ["How many of the last lines come first (default: 10)."])
    private var lines = 10

    override fun call(): Int {
        spec.demand(lines >= 0) { "--lines must not be negative: $lines" }
        spec.demand(!Files.exists(file) || Files.isRegularFile(file)) { "$file is not a file" }

        val server = TailServer(file, lines, listening.address(), listening.tls(), listening.drain, listening::configure)
        return listening.begin(server, server.address(), server.group(), connections = server::connections)
    }
}

fun main(arguments: Array<String>): Unit = serve(Tail(), arguments)

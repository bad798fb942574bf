package io.netpark.samples.http

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.Admission
import io.netpark.samples.BindingChoice
import io.netpark.samples.closeAtSignal
import io.netpark.samples.demand
import io.netpark.samples.lookUp
import io.netpark.samples.run
import io.netpark.samples.text
import picocli.CommandLine.Command
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.net.InetSocketAddress
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.Callable
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds

/** A web server to load, and to take files from, until a signal ends it. */
@Command(
    name = "samples/run http",
    sortOptions = false,
    description = [
        "Serves HTTP/1.1: /plaintext and /json, /echo for bodies, and the files of a folder. " +
            "SIGTERM or SIGINT ends it: it stops accepting, and lets requests finish.",
    ],
)
private class Http : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(names = ["--port"], required = true, paramLabel = "P", description = ["Where to listen; 0 takes a free port."])
    private var port = 0

    @Option(names = ["--host"], paramLabel = "H", description = ["Where to listen (default: 127.0.0.1)."])
    private var host = "127.0.0.1"

    @Option(names = ["--root"], paramLabel = "DIR", description = ["The folder whose files are served (default: none)."])
    private var root: Path? = null

    @Option(names = ["--loops"], paramLabel = "N", description = ["How many event loops (default: half the processors)."])
    private var loops: Int? = null

    @Option(names = ["--binding"], paramLabel = "B", description = ["How to call the kernel: auto (default), jna or ffm."])
    private var binding = BindingChoice.AUTO

    @Option(
        names = ["--connections"], paramLabel = "N",
        description = ["How many connections at a time; those in excess wait in the backlog (default: 10000)."],
    )
    private var connections = 10_000

    @Option(
        names = ["--head-timeout"], paramLabel = "S",
        description = ["How many seconds the head of a request may take, from its first byte to its last (default: 10)."],
    )
    private var headTimeout = 10.0

    @Option(
        names = ["--idle-timeout"], paramLabel = "S",
        description = ["Close a connection on which no byte moves, either way, for this many seconds (default: 60)."],
    )
    private var idleTimeout = 60.0

    @Option(
        names = ["--drain"], paramLabel = "S",
        description = ["How many seconds requests may go on after the signal (default: 5)."],
    )
    private var drain = 5.0

    override fun call(): Int {
        spec.demand(port in 0..65535) { "--port must be 0 to 65535, not $port" }
        spec.demand(loops.let { it == null || it > 0 }) { "--loops must be at least 1, not $loops" }
        spec.demand(root.let { it == null || Files.isDirectory(it) }) { "--root must be a folder; $root is none" }
        spec.demand(connections > 0) { "--connections must be at least 1, not $connections" }
        spec.demand(headTimeout > 0) { "--head-timeout must be more than 0: $headTimeout" }
        spec.demand(idleTimeout > 0) { "--idle-timeout must be more than 0: $idleTimeout" }
        spec.demand(drain >= 0) { "--drain must not be negative: $drain" }

        val server = HttpServer(
            HttpOptions(
                address = InetSocketAddress(lookUp(host), port),
                root = root,
                limits = HttpLimits(head = headTimeout.seconds, idle = idleTimeout.seconds),
                admission = Admission.of(connections, Admission.Excess.WAIT),
                drain = drain.seconds,
                loops = ::configure,
            ),
        )
        closeAtSignal(server)
        println("listening on ${text(server.address as InetSocketAddress)}")
        return 0
    }

    private fun configure(builder: EventLoopGroup.Builder) {
        loops?.let { builder.loops(it) }
        binding.applyTo(builder)
    }
}

fun main(arguments: Array<String>) {
    val status = run(Http(), arguments)
    if (status != 0) exitProcess(status) // else the server runs now, or help was all that was asked for
}

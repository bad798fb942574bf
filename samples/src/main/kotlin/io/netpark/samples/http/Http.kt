package io.netpark.samples.http

import io.netpark.core.net.listening.Admission
import io.netpark.core.net.listening.ListenFds
import io.netpark.core.sys.OpenDescriptor
import io.netpark.samples.Listening
import io.netpark.samples.Predecessor
import io.netpark.samples.TlsClient
import io.netpark.samples.demand
import io.netpark.samples.paths.isSocket
import io.netpark.samples.serve
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.nio.file.Files
import java.nio.file.LinkOption
import java.nio.file.Path
import java.time.Duration
import java.util.concurrent.Callable
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toKotlinDuration

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

    @Mixin
    private val listening = Listening()

    @Option(names = ["--root"], paramLabel = "DIR", description = ["The folder whose files are served (default: none)."])
    private var root: Path? = null

    @Option(
        names = ["--connections"], paramLabel = "N",
        description = ["How many connections at a time; those in excess wait in the backlog (default: 10000)."],
    )
    private var connections = 10_000

    @Option(
        names = ["--head-timeout"], paramLabel = "S",
        description = ["How many seconds the head of a request may take, from its first byte to its last (default: 10)."],
    )
    private var headTimeout = Duration.ofSeconds(10)

    @Option(
        names = ["--idle-timeout"], paramLabel = "S",
        description = ["Close a connection on which no byte moves, either way, for this many seconds (default: 60)."],
    )
    private var idleTimeout = Duration.ofSeconds(60)

    @Option(names = ["--systemd"], description = ["Listen on the socket that systemd has opened, in place of --port."])
    private var fromSystemd = false

    @Option(
        names = ["--takeover"], paramLabel = "PATH",
        description = [
            "Take the listening socket over from the process that was started with the same path, if there is one: it finishes " +
                "its requests, and ends. PATH is that of a unix socket.",
        ],
    )
    private var takeover: Path? = null

    override fun call(): Int {
        spec.demand(root.let { it == null || Files.isDirectory(it) }) { "--root must be a folder; $root is none" }
        spec.demand(connections > 0) { "--connections must be at least 1, not $connections" }
        spec.demand(!headTimeout.isZero) { "--head-timeout must be more than 0" }
        spec.demand(!idleTimeout.isZero) { "--idle-timeout must be more than 0" }
        spec.demand(takeover.let { it == null || !Files.exists(it, LinkOption.NOFOLLOW_LINKS) || isSocket(it) }) {
            "--takeover: $takeover is there, and is not a unix socket"
        }

        val predecessor = takeover?.let { Predecessor.at(it) }
        val socket = predecessor?.socket ?: if (fromSystemd) socketOfSystemd() else null
        val server = HttpServer(
            HttpOptions(
                address = if (socket == null) listening.address() else null,
                socket = socket,
                root = root,
                limits = HttpLimits(head = headTimeout.toKotlinDuration(), idle = idleTimeout.toKotlinDuration()),
                admission = Admission.of(connections, Admission.Excess.WAIT),
                announce = if (takeover != null) ANNOUNCE else kotlin.time.Duration.ZERO,
                drain = listening.drain.toKotlinDuration(),
                tls = listening.tls("http/1.1"),
                loops = listening::configure,
            ),
        )
        return listening.begin(server, server.address, server.group, client = TlsClient.CURL).also {
            predecessor?.relieve()
            takeover?.let { path -> server.awaitSuccessor(path) { listening.end() } }
        }
    }

    private fun socketOfSystemd(): OpenDescriptor {
        val passed = ListenFds.take()
        spec.demand(!passed.isEmpty) { "--systemd: ${passed.reason()}" }
        return passed.only()
    }

    private companion object {
        /** Clients that keep their connections ask for something meanwhile, and learn that it was the last. */
        val ANNOUNCE = 1.seconds
    }
}

fun main(arguments: Array<String>): Unit = serve(Http(), arguments)

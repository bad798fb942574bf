package io.netpark.samples.proxy

import io.netpark.core.net.listening.Admission
import io.netpark.samples.Listening
import io.netpark.samples.LiveLine
import io.netpark.samples.demand
import io.netpark.samples.load.Target
import io.netpark.samples.serve
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.time.Duration
import java.util.concurrent.Callable
import kotlin.concurrent.thread
import kotlin.time.toKotlinDuration

/** A TCP proxy in front of one server or several, until a signal ends it. */
@Command(
    name = "samples/run proxy",
    sortOptions = false,
    description = ["Passes TCP connections on to servers, byte by byte, without knowing what is said. With --tls it ends the TLS of " +
        "clients, and is plain towards servers. SIGTERM or SIGINT ends it: it stops accepting, and lets clients finish."],
)
private class Proxy : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Mixin
    private val listening = Listening()

    @Option(
        names = ["--upstream"], split = ",", paramLabel = "HOST:PORT", converter = [Target.Converter::class],
        description = ["A server to pass clients on to; several with commas between them."],
    )
    private var upstreams: List<Target> = emptyList()

    @Option(
        names = ["--sni"], split = ",", paramLabel = "NAME=HOST:PORT", converter = [Route.Converter::class],
        description = [
            "Pass TLS on as it is, to a server by the name that the client asks for; several with commas between them. NAME may be " +
                "*.example.org. Clients that ask for none of these go to --upstream; without that they are refused.",
        ],
    )
    private var routes: List<Route> = emptyList()

    @Option(
        names = ["--balance"], paramLabel = "B",
        description = ["Who gets the next client: turn (default), or least, the one with the fewest clients."],
    )
    private var balance = Balance.TURN

    @Option(
        names = ["--check"], paramLabel = "S",
        description = ["How often each server is connected to, to see whether it is there, in seconds (default: 1)."],
    )
    private var check = Duration.ofSeconds(1)

    @Option(
        names = ["--connect-timeout"], paramLabel = "S",
        description = ["How many seconds a server has to accept; then the next one is tried (default: 3)."],
    )
    private var connectTimeout = Duration.ofSeconds(3)

    @Option(
        names = ["--connections"], paramLabel = "N",
        description = ["How many clients at a time; those in excess wait in the backlog (default: 10000)."],
    )
    private var connections = 10_000

    override fun call(): Int {
        spec.demand(upstreams.isNotEmpty() || routes.isNotEmpty()) {
            "--upstream names no server; it takes HOST:PORT, or several with commas between them"
        }
        spec.demand(routes.isEmpty() || !listening.isEncrypted) { "--sni passes TLS on as it is; with --tls it ends here" }
        spec.demand(!check.isZero) { "--check must be more than 0" }
        spec.demand(!connectTimeout.isZero) { "--connect-timeout must be more than 0" }
        spec.demand(connections > 0) { "--connections must be at least 1, not $connections" }

        val options = ProxyOptions(
            listening.address(), upstreams, routes, listening.tls(), balance, check.toKotlinDuration(), connectTimeout.toKotlinDuration(),
            Admission.of(connections, Admission.Excess.WAIT), listening.drain.toKotlinDuration(), listening::configure,
        )
        val server = ProxyServer(options)
        val closing = AutoCloseable {
            server.close()
            println(server.statistics())
        }
        return listening.begin(closing, server.address, server.group, connections = server::clients).also {
            thread(name = "statistics", isDaemon = true) { showStatistics(server) }
        }
    }

    /** Once a second, when anything has changed. */
    private fun showStatistics(server: ProxyServer) {
        val live = LiveLine()
        var shown = server.statistics() // nothing has happened
        while (true) {
            Thread.sleep(1000)
            val line = server.statistics()
            if (line != shown) live.show(line)
            shown = line
        }
    }
}

fun main(arguments: Array<String>): Unit = serve(Proxy(), arguments)

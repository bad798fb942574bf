package io.netpark.samples.echo

import io.netpark.core.loop.EventLoopGroup
import io.netpark.samples.BindingChoice
import io.netpark.samples.demand
import io.netpark.samples.run
import picocli.CommandLine.Command
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.UnknownHostException
import java.time.Duration
import java.util.concurrent.Callable
import kotlin.system.exitProcess

/** An echo server to try clients on, until a signal ends it. */
@Command(
    name = "samples/run echo",
    sortOptions = false,
    description = ["Sends back what it gets. SIGTERM or SIGINT ends it: it stops accepting, and lets clients finish."],
)
private class Echo : Callable<Int> {

    enum class Api { COROUTINE, CALLBACK }

    @Spec
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(names = ["--port"], required = true, paramLabel = "P", description = ["Where to listen; 0 takes a free port."])
    private var port = 0

    @Option(names = ["--host"], paramLabel = "H", description = ["Where to listen (default: 127.0.0.1)."])
    private var host = "127.0.0.1"

    @Option(names = ["--api"], paramLabel = "A", description = ["coroutine (default) or callback."])
    private var api = Api.COROUTINE

    @Option(names = ["--loops"], paramLabel = "N", description = ["How many event loops (default: half the processors)."])
    private var loops: Int? = null

    @Option(names = ["--binding"], paramLabel = "B", description = ["How to call the kernel: auto (default), jna or ffm."])
    private var binding = BindingChoice.AUTO

    @Option(
        names = ["--idle-timeout"], paramLabel = "S",
        description = ["Close a connection on which no byte moves, either way, for this many seconds (default: never)."],
    )
    private var idleTimeout = 0.0

    @Option(
        names = ["--drain"], paramLabel = "S",
        description = ["How many seconds clients may go on after the signal (default: 5)."],
    )
    private var drain = 5.0

    override fun call(): Int {
        spec.demand(port in 0..65535) { "--port must be 0 to 65535, not $port" }
        spec.demand(loops.let { it == null || it > 0 }) { "--loops must be at least 1, not $loops" }
        spec.demand(idleTimeout >= 0) { "--idle-timeout must not be negative: $idleTimeout" }
        spec.demand(drain >= 0) { "--drain must not be negative: $drain" }

        val options = EchoOptions(InetSocketAddress(lookUp(host), port), seconds(idleTimeout), seconds(drain), ::configure)
        val server = if (api == Api.COROUTINE) CoroutineEcho(options) else CallbackEcho(options)
        closeAtSignal(server)
        println("listening on ${text(server.address as InetSocketAddress)}")
        return 0
    }

    private fun configure(builder: EventLoopGroup.Builder) {
        loops?.let { builder.loops(it) }
        binding.applyTo(builder)
    }

    private fun lookUp(host: String): InetAddress = try {
        InetAddress.getByName(host)
    } catch (e: UnknownHostException) {
        throw UnknownHostException("$host is not a known host").apply { initCause(e) }
    }

    private fun seconds(count: Double): Duration = Duration.ofMillis((count * 1000).toLong())

    private fun text(address: InetSocketAddress): String {
        val host = address.address.hostAddress
        return (if (address.address is Inet6Address) "[$host]" else host) + ":" + address.port
    }

    /**
     * A signal makes the JVM run its shutdown hooks, and that is the supported way to hear of one. But then it ends with
     * 128 and the signal's number, as if it had been killed: a supervisor would take an orderly end for a failure. Only
     * halt can still say otherwise; it runs nothing else, so it comes last. Nothing but a signal gets here: the event
     * loops keep the process alive, and nobody calls exit once they run.
     */
    private fun closeAtSignal(server: EchoServer) {
        val close = Thread({
            server.close()
            Runtime.getRuntime().halt(0)
        }, "drain")
        Runtime.getRuntime().addShutdownHook(close)
    }
}

fun main(arguments: Array<String>) {
    val status = run(Echo(), arguments)
    if (status != 0) exitProcess(status) // else the server runs now, or help was all that was asked for
}

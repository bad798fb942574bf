package io.netpark.samples.echo

import io.netpark.core.loop.EventLoopGroup
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

    private fun seconds(count: Double): Duration = Duration.ofMillis((count * 1000).toLong())
}

fun main(arguments: Array<String>) {
    val status = run(Echo(), arguments)
    if (status != 0) exitProcess(status) // else the server runs now, or help was all that was asked for
}

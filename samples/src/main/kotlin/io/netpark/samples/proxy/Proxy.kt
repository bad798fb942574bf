package io.netpark.samples.proxy

import io.netpark.core.loop.EventLoopGroup
import io.netpark.samples.BindingChoice
import io.netpark.samples.LiveLine
import io.netpark.samples.closeAtSignal
import io.netpark.samples.demand
import io.netpark.samples.load.Target
import io.netpark.samples.lookUp
import io.netpark.samples.run
import io.netpark.samples.text
import picocli.CommandLine.Command
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.net.InetSocketAddress
import java.util.concurrent.Callable
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds

/** A TCP proxy in front of one server or several, until a signal ends it. */
@Command(
    name = "samples/run proxy",
    sortOptions = false,
    description = ["Passes TCP connections on to servers, byte by byte, without knowing what is said. SIGTERM or SIGINT " +
        "ends it: it stops accepting, and lets clients finish."],
)
private class Proxy : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(names = ["--port"], required = true, paramLabel = "P", description = ["Where to listen; 0 takes a free port."])
    private var port = 0

    @Option(names = ["--host"], paramLabel = "H", description = ["Where to listen (default: 127.0.0.1)."])
    private var host = "127.0.0.1"

    @Option(
        names = ["--upstream"], required = true, split = ",", paramLabel = "HOST:PORT", converter = [Target.Converter::class],
        description = ["A server to pass clients on to; several with commas between them."],
    )
    private lateinit var upstreams: List<Target>

    @Option(
        names = ["--balance"], paramLabel = "B",
        description = ["Who gets the next client: turn (default), or least, the one with the fewest clients."],
    )
    private var balance = Balance.TURN

    @Option(
        names = ["--check"], paramLabel = "S",
        description = ["How often each server is connected to, to see whether it is there, in seconds (default: 1)."],
    )
    private var check = 1.0

    @Option(
        names = ["--connect-timeout"], paramLabel = "S",
        description = ["How many seconds a server has to accept; then the next one is tried (default: 3)."],
    )
    private var connectTimeout = 3.0

    @Option(names = ["--loops"], paramLabel = "N", description = ["How many event loops (default: half the processors)."])
    private var loops: Int? = null

    @Option(names = ["--binding"], paramLabel = "B", description = ["How to call the kernel: auto (default), jna or ffm."])
    private var binding = BindingChoice.AUTO

    @Option(
        names = ["--drain"], paramLabel = "S",
        description = ["How many seconds clients may go on after the signal (default: 5)."],
    )
    private var drain = 5.0

    override fun call(): Int {
        spec.demand(port in 0..65535) { "--port must be 0 to 65535, not $port" }
        spec.demand(loops.let { it == null || it > 0 }) { "--loops must be at least 1, not $loops" }
        spec.demand(check > 0) { "--check must be more than 0, not $check" }
        spec.demand(connectTimeout > 0) { "--connect-timeout must be more than 0, not $connectTimeout" }
        spec.demand(drain >= 0) { "--drain must not be negative: $drain" }

        val options = ProxyOptions(
            InetSocketAddress(lookUp(host), port), upstreams, balance, check.seconds, connectTimeout.seconds, drain.seconds,
            ::configure,
        )
        val server = ProxyServer(options)
        closeAtSignal(server) { println(server.statistics()) }
        println("listening on ${text(server.address as InetSocketAddress)}")
        thread(name = "statistics", isDaemon = true) { showStatistics(server) }
        return 0
    }

    private fun configure(builder: EventLoopGroup.Builder) {
        loops?.let { builder.loops(it) }
        binding.applyTo(builder)
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

fun main(arguments: Array<String>) {
    val status = run(Proxy(), arguments)
    if (status != 0) exitProcess(status) // else the proxy runs now, or help was all that was asked for
}

package io.netpark.samples.chat

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.Admission
import io.netpark.samples.BindingChoice
import io.netpark.samples.closeAtSignal
import io.netpark.samples.demand
import io.netpark.samples.lookUp
import io.netpark.samples.run
import io.netpark.samples.text
import io.netpark.samples.websocket.WebSocketOptions
import picocli.CommandLine.Command
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.net.InetSocketAddress
import java.util.concurrent.Callable
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toJavaDuration

/** A chat room for browsers, until a signal ends it. */
@Command(
    name = "samples/run chat",
    sortOptions = false,
    description = ["A chat room, over WebSockets, with its page. SIGTERM or SIGINT ends it: everybody is told, and the page " +
        "comes back when the server does."],
)
private class Chat : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(names = ["--port"], required = true, paramLabel = "P", description = ["Where to listen; 0 takes a free port."])
    private var port = 0

    @Option(names = ["--host"], paramLabel = "H", description = ["Where to listen (default: 127.0.0.1)."])
    private var host = "127.0.0.1"

    @Option(names = ["--loops"], paramLabel = "N", description = ["How many event loops (default: half the processors)."])
    private var loops: Int? = null

    @Option(names = ["--binding"], paramLabel = "B", description = ["How to call the kernel: auto (default), jna or ffm."])
    private var binding = BindingChoice.AUTO

    @Option(
        names = ["--limit"], paramLabel = "N",
        description = ["How many connections may be open; others wait (default: 10000)."],
    )
    private var limit = 10_000

    @Option(
        names = ["--limit-per-address"], paramLabel = "N",
        description = ["How many of them may come from one address; others are reset (default: 1000)."],
    )
    private var limitPerAddress = 1000

    @Option(
        names = ["--ping"], paramLabel = "S",
        description = ["Ask a client that has been silent for this many seconds, and drop it after as many more (default: 30)."],
    )
    private var ping = 30.0

    @Option(
        names = ["--drain"], paramLabel = "S",
        description = ["How many seconds clients may take to say goodbye after the signal (default: 5)."],
    )
    private var drain = 5.0

    @Option(
        names = ["--echo-port"], paramLabel = "P",
        description = ["Serve WebSockets that send messages back at this port as well, by callbacks of a poller and a pool of " +
            "workers; with coroutines they are at /echo in any case."],
    )
    private var echoPort: Int? = null

    override fun call(): Int {
        spec.demand(port in 0..65535) { "--port must be 0 to 65535, not $port" }
        spec.demand(echoPort.let { it == null || it in 0..65535 }) { "--echo-port must be 0 to 65535, not $echoPort" }
        spec.demand(loops.let { it == null || it > 0 }) { "--loops must be at least 1, not $loops" }
        spec.demand(limit > 0) { "--limit must be at least 1, not $limit" }
        spec.demand(limitPerAddress > 0) { "--limit-per-address must be at least 1, not $limitPerAddress" }
        spec.demand(ping >= 0.1) { "--ping must be at least 0.1, not $ping" }
        spec.demand(drain >= 0) { "--drain must not be negative: $drain" }

        val host = lookUp(host)
        val options = ChatOptions(
            address = InetSocketAddress(host, port),
            admission = Admission.of(limit, Admission.Excess.WAIT, limitPerAddress),
            drain = drain.seconds,
            sockets = WebSocketOptions(ping = ping.seconds),
            configure = ::configure,
        )
        val chat = ChatServer(options)
        val echo = try {
            echoPort?.let {
                PolledEcho(chat.group.next(), InetSocketAddress(host, it), limit, ping.seconds.toJavaDuration(),
                    drain.seconds.toJavaDuration())
            }
        } catch (e: Throwable) {
            chat.close()
            throw e
        }
        val both = AutoCloseable {
            echo?.close() // it lives on a loop of the other
            chat.close()
        }
        closeAtSignal(both)
        println("listening on http://${text(chat.address)}/")
        echo?.let { println("callback echo on ws://${text(it.address())}/echo") }
        return 0
    }

    private fun configure(builder: EventLoopGroup.Builder) {
        loops?.let { builder.loops(it) }
        binding.applyTo(builder)
    }
}

fun main(arguments: Array<String>) {
    val status = run(Chat(), arguments)
    if (status != 0) exitProcess(status) // else the server runs now, or help was all that was asked for
}

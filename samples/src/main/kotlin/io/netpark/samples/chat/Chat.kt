package io.netpark.samples.chat

import io.netpark.core.net.listening.Admission
import io.netpark.core.sys.AddressText
import io.netpark.samples.Listening
import io.netpark.samples.TlsClient
import io.netpark.samples.demand
import io.netpark.samples.serve
import io.netpark.samples.websocket.WebSocketOptions
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.time.Duration
import java.util.concurrent.Callable
import kotlin.time.toKotlinDuration

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

    @Mixin
    private val listening = Listening()

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
        names = ["--rate"], paramLabel = "N",
        description = ["How many messages a second a client may send for long (default: 10); who sends more is dropped."],
    )
    private var rate = 10

    @Option(names = ["--burst"], paramLabel = "N", description = ["How many messages it may send at once (default: 50)."])
    private var burst = 50

    @Option(
        names = ["--ping"], paramLabel = "S",
        description = ["Ask a client that has been silent for this many seconds, and drop it after as many more (default: 30)."],
    )
    private var ping = Duration.ofSeconds(30)

    @Option(
        names = ["--echo-port"], paramLabel = "P",
        description = ["Serve WebSockets that send messages back at this port as well, by callbacks of a poller and a pool of " +
            "workers; with coroutines they are at /echo in any case."],
    )
    private var echoPort: Int? = null

    override fun call(): Int {
        spec.demand(limit > 0) { "--limit must be at least 1, not $limit" }
        spec.demand(limitPerAddress > 0) { "--limit-per-address must be at least 1, not $limitPerAddress" }
        spec.demand(rate > 0) { "--rate must be at least 1, not $rate" }
        spec.demand(burst > 0) { "--burst must be at least 1, not $burst" }
        spec.demand(ping >= LEAST_PING) { "--ping must be at least 0.1" }

        spec.demand(echoPort == null || !listening.isEncrypted) { "--echo-port makes system calls itself, and knows no --tls" }

        val echoAddress = echoPort?.let { listening.address("--echo-port", it) }
        val options = ChatOptions(
            address = listening.address(),
            admission = Admission.of(limit, Admission.Excess.WAIT, limitPerAddress),
            rate = rate,
            burst = burst,
            drain = listening.drain.toKotlinDuration(),
            sockets = WebSocketOptions(ping = ping.toKotlinDuration()),
            tls = listening.tls("http/1.1"),
            configure = listening::configure,
        )
        val chat = ChatServer(options)
        val echo = try {
            echoAddress?.let { PolledEcho(chat.group.next(), it, limit, ping, listening.drain) }
        } catch (e: Throwable) {
            chat.close()
            throw e
        }
        val both = AutoCloseable {
            echo?.close() // it lives on a loop of the other
            chat.close()
        }
        val where = "http${if (listening.isEncrypted) "s" else ""}://${AddressText.of(chat.address)}/"
        return listening.begin(both, chat.address, chat.group, where, TlsClient.CURL).also {
            echo?.let { println("callback echo on ws://${AddressText.of(it.address())}/echo") }
        }
    }

    private companion object {
        val LEAST_PING: Duration = Duration.ofMillis(100)
    }
}

fun main(arguments: Array<String>): Unit = serve(Chat(), arguments)

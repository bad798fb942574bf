package io.netpark.samples.echo

import io.netpark.core.sys.Due
import io.netpark.samples.Listening
import io.netpark.samples.demand
import io.netpark.samples.serve
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.util.concurrent.Callable

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

    @Mixin
    private val listening = Listening()

    @Option(names = ["--api"], paramLabel = "A", description = ["coroutine (default) or callback."])
    private var api = Api.COROUTINE

    @Option(
        names = ["--idle-timeout"], paramLabel = "S",
        description = ["Close a connection on which no byte moves, either way, for this many seconds (default: never)."],
    )
    private var idleTimeout = Due.INFINITE

    override fun call(): Int {
        spec.demand(!idleTimeout.isZero) { "--idle-timeout must be more than 0" }
        val options = EchoOptions(listening.address(), idleTimeout, listening.drain, listening.tls(), listening::configure)
        val server = if (api == Api.COROUTINE) CoroutineEcho(options) else CallbackEcho(options)
        return listening.begin(server, server.address, server.group)
    }
}

fun main(arguments: Array<String>): Unit = serve(Echo(), arguments)

package io.netpark.samples.redis

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
import java.util.concurrent.Callable
import kotlin.system.exitProcess

/** A server for redis-cli, redis-benchmark and client libraries of Redis, until a signal ends it. */
@Command(
    name = "samples/run redis",
    sortOptions = false,
    description = [
        "Serves strings in memory to clients of Redis. SIGTERM or SIGINT ends it: it stops accepting, and sends the answers " +
            "that are on their way. What is kept is lost then; nor are there other types, transactions, subscriptions, " +
            "scripts, replicas, passwords, or a limit for the memory of all keys together.",
    ],
)
private class Redis : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(names = ["--port"], paramLabel = "P", description = ["Where to listen (default: 6379); 0 takes a free port."])
    private var port = 6379

    @Option(names = ["--host"], paramLabel = "H", description = ["Where to listen (default: 127.0.0.1)."])
    private var host = "127.0.0.1"

    @Option(
        names = ["--loops"], paramLabel = "N",
        description = ["How many event loops (default: 1). They share reading and writing; commands run one at a time."],
    )
    private var loops = 1

    @Option(names = ["--binding"], paramLabel = "B", description = ["How to call the kernel: auto (default), jna or ffm."])
    private var binding = BindingChoice.AUTO

    @Option(
        names = ["--longest-value"], paramLabel = "M",
        description = ["How long keys and values may be, in MiB (default: 64; at most 512)."],
    )
    private var longestValue = 64

    override fun call(): Int {
        spec.demand(port in 0..65535) { "--port must be 0 to 65535, not $port" }
        spec.demand(loops > 0) { "--loops must be at least 1, not $loops" }
        spec.demand(longestValue in 1..512) { "--longest-value must be 1 to 512, not $longestValue" }

        val server = RedisServer(
            InetSocketAddress(lookUp(host), port),
            { it.loops(loops).also(binding::applyTo) },
            longestValue shl 20,
        )
        closeAtSignal(server)
        println("listening on ${text(server.address() as InetSocketAddress)}")
        return 0
    }
}

fun main(arguments: Array<String>) {
    val status = run(Redis(), arguments)
    if (status != 0) exitProcess(status) // else the server runs now, or help was all that was asked for
}

package io.netpark.samples.redis

import io.netpark.samples.EventLoops
import io.netpark.samples.Listening
import io.netpark.samples.TlsClient
import io.netpark.samples.demand
import io.netpark.samples.serve
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.util.concurrent.Callable

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

    /** Commands run one at a time: what more event loops share is reading and writing. */
    @Mixin
    private val listening = Listening(EventLoops(1))

    @Option(
        names = ["--longest-value"], paramLabel = "M",
        description = ["How long keys and values may be, in MiB (default: 64; at most 512)."],
    )
    private var longestValue = 64

    override fun call(): Int {
        spec.demand(longestValue in 1..512) { "--longest-value must be 1 to 512, not $longestValue" }

        val server = RedisServer(listening.address(), listening.tls(), listening::configure, longestValue shl 20, listening.drain)
        return listening.begin(server, server.address(), server.group(), client = REDIS_CLI, connections = server::connections)
    }

    private companion object {
        val REDIS_CLI = TlsClient { certificate, host, port -> "redis-cli --tls --cacert $certificate -h $host -p $port" }
    }
}

fun main(arguments: Array<String>): Unit = serve(Redis(), arguments)

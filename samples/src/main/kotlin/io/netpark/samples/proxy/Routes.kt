package io.netpark.samples.proxy

import io.netpark.samples.load.Target
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import picocli.CommandLine.ITypeConverter
import picocli.CommandLine.TypeConversionException
import kotlin.time.Duration

/** A name that clients ask for, and a server that has it. */
internal class Route(val name: String, val target: Target) {

    /** From NAME=HOST:PORT, where the name may be `*.example.org`. */
    class Converter : ITypeConverter<Route> {
        override fun convert(text: String): Route {
            val name = text.substringBefore('=', "").lowercase()
            if (!NAME.matches(name)) {
                throw TypeConversionException("$text is not NAME=HOST:PORT, such as example.org=127.0.0.1:8443 or *.example.org=127.0.0.1:8443")
            }
            return Route(name, Target.Converter().convert(text.substringAfter('=')))
        }
    }

    private companion object {
        val NAME = Regex("""(\*\.)?[\w-]+(\.[\w-]+)*""")
    }
}

/**
 * Who gets a client.
 *
 * @property others for those that ask for no name, or one that nobody has; null to refuse them
 */
internal class Routes(private val byName: Map<String, Upstreams>, private val others: Upstreams?) {

    /** Whether who gets a client depends on the name that it asks for. */
    val needName: Boolean get() = byName.isNotEmpty()

    /** A name of its own counts more than `*.` and what is behind the first dot. */
    fun of(serverName: String?): Upstreams? =
        serverName?.let { byName[it] ?: byName["*." + it.substringAfter('.', "")] } ?: others

    private fun all(): List<Upstreams> = byName.values + listOfNotNull(others)

    /** Connects to each upstream now and then, until it is cancelled. */
    suspend fun check(every: Duration): Unit = coroutineScope { for (upstreams in all()) launch { upstreams.check(every) } }

    override fun toString(): String = (byName.map { (name, upstreams) -> "$name $upstreams" } + listOfNotNull(others)).joinToString(", ")
}

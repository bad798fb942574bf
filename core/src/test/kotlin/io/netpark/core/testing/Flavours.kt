package io.netpark.core.testing

import io.netpark.core.poll.Poller
import io.netpark.core.sys.Binding
import io.netpark.core.sys.LibC

/** The bindings that work on the running JDK, each opened once. */
object Bindings {
    val all: List<LibC> = Binding.entries.filter { it.unavailability() == null }.map { it.open() }

    /** The one a user would get. */
    val best: LibC = all.last()
}

/** A kind of poller by name. */
class PollerKind(private val name: String, val factory: Poller.Factory) {
    override fun toString() = name

    companion object {
        val EPOLL = PollerKind("epoll", Poller.EPOLL)
        val POLL = PollerKind("poll", Poller.POLL)
        val all = listOf(EPOLL, POLL)
    }
}

/** A binding and a poller, on which a contract suite runs. */
class Flavour(val libc: LibC, val poller: PollerKind) {
    override fun toString() = "${libc.binding()} $poller"

    companion object {
        val all: List<Flavour> = Bindings.all.flatMap { libc -> PollerKind.all.map { Flavour(libc, it) } }
    }
}

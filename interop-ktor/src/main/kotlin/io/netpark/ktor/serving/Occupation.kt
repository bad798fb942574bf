package io.netpark.ktor.serving

import io.netpark.core.loop.EventLoop
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.CopyableThreadContextElement
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.ExperimentalCoroutinesApi

/**
 * Says which call a loop is at, whenever the call, or a coroutine that it has launched, goes on there. So the watchdog can name one
 * that holds its loop after it has suspended. It costs two plain writes each time that a coroutine goes on.
 *
 * @param call which it is, now; null between two calls
 */
@OptIn(DelicateCoroutinesApi::class, ExperimentalCoroutinesApi::class)
internal class Occupation(private val loop: EventLoop, private val call: () -> Any?) :
    AbstractCoroutineContextElement(Occupation), CopyableThreadContextElement<Any?> {

    override fun updateThreadContext(context: CoroutineContext): Any? {
        if (!loop.inLoop()) return null
        val found: Any? = loop.occupation()
        loop.setOccupation(call())
        return found
    }

    override fun restoreThreadContext(context: CoroutineContext, oldState: Any?) {
        if (loop.inLoop()) loop.setOccupation(oldState)
    }

    /** What is launched may outlive the call. It keeps the name, whichever call has the exchange by then. */
    override fun copyForChild(): Occupation = call().let { Occupation(loop) { it } }

    override fun mergeForChild(overwritingElement: CoroutineContext.Element): CoroutineContext = overwritingElement

    companion object Key : CoroutineContext.Key<Occupation>
}

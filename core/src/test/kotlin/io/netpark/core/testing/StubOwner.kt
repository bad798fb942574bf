package io.netpark.core.testing

import io.netpark.core.buffer.BufferOwner
import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.NetparkException

/** The owner of buffers that belong to no connection. */
class StubOwner(private val loop: EventLoop) : BufferOwner {
    override fun loop(): EventLoop = loop

    override fun inputEnded() = NetparkException.Closed("read from a stub: closed here")

    override fun outputEnded() = NetparkException.Closed("write to a stub: closed here")
}

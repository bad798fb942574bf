package io.netpark.samples

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.sys.Binding

/** How a sample is told to call the kernel. */
enum class BindingChoice {
    AUTO, JNA, FFM;

    /** Chooses it for event loops; throws [UnsupportedOperationException] if it does not work here. */
    fun applyTo(builder: EventLoopGroup.Builder) {
        when (this) {
            AUTO -> {}
            JNA -> builder.libc(Binding.JNA.open())
            FFM -> builder.libc(Binding.FFM.open())
        }
    }
}

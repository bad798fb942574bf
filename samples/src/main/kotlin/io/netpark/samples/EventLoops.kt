package io.netpark.samples

import io.netpark.core.loop.EventLoopGroup
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec

/**
 * How a sample is told about its event loops: a mixin of its command.
 *
 * @param usual how many there are if it is not told; half the processors, which leaves the others to clients on the same machine
 */
internal class EventLoops(usual: Int = maxOf(1, Runtime.getRuntime().availableProcessors() / 2)) {

    @Spec(Spec.Target.MIXEE)
    private lateinit var spec: CommandSpec

    @Option(names = ["--loops"], paramLabel = "N", description = ["How many event loops (default here: \${DEFAULT-VALUE})."])
    private var loops = usual

    /** How to call the kernel. */
    @Option(names = ["--binding"], paramLabel = "B", description = ["How to call the kernel: auto (default), jna or ffm."])
    var binding: BindingChoice = BindingChoice.AUTO
        private set

    /** How many. Ends the program as wrongly used if that is none. */
    val count: Int get() {
        spec.demand(loops > 0) { "--loops must be at least 1, not $loops" }
        return loops
    }

    /** Makes them as they are wanted; throws [UnsupportedOperationException] if the binding does not work here. */
    fun configure(builder: EventLoopGroup.Builder) {
        builder.loops(count)
        binding.applyTo(builder)
    }
}

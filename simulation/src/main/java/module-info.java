/**
 * A model of the kernel, in memory, for tests of what is made of Netpark.
 *
 * <p>Users hold the kernel and its clocks; the other packages are what the kernel is made of, and what entries of the adapters are made of.
 */
@SuppressWarnings("module") // the adapters are compiled later
module io.netpark.simulation {
    requires transitive io.netpark.core;
    requires java.management; // which monitors a thread holds
    requires static org.jspecify;

    exports io.netpark.simulation.kernel;
    exports io.netpark.simulation.link;
    exports io.netpark.simulation.schedule;

    exports io.netpark.simulation.scene to io.netpark.callback, io.netpark.coroutines;
}

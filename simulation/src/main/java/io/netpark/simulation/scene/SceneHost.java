package io.netpark.simulation.scene;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.Due;
import io.netpark.simulation.kernel.SimulatedKernel;
import java.net.InetSocketAddress;

/** A host of a {@link Scene}. Any thread may use it. */
public final class SceneHost {

    private final Scene scene;
    private final String name;
    private final SimulatedKernel kernel;
    /** How many groups have been prepared. With the monitor of this. */
    private int groups;

    SceneHost(Scene scene, String name, SimulatedKernel kernel) {
        this.scene = scene;
        this.name = name;
        this.kernel = kernel;
    }

    /** By which the other hosts find it. */
    public String name() {
        return name;
    }

    /** Its kernel. */
    public SimulatedKernel kernel() {
        return kernel;
    }

    /** Where others reach it. */
    public InetSocketAddress address(int port) {
        return new InetSocketAddress(scene.network().address(name), port);
    }

    /** Has event loops run on this host, in the order of the test. Their names are those of the host, and numbers. */
    public void prepare(EventLoopGroup.Builder loops) {
        int number = nextNumber();
        // A watchdog's looks would keep the time going.
        loops.name(number == 1 ? name : name + "-" + number).daemon(true).libc(kernel).clock(scene.schedule()).watchdog(Due.INFINITE);
    }

    private synchronized int nextNumber() {
        return ++groups;
    }

    /** A group that was {@linkplain #prepare prepared} has been opened, and is closed with the test. */
    public void opened(EventLoopGroup group) {
        scene.add(group);
    }

    @Override
    public String toString() {
        return name;
    }
}

package io.netpark.simulation.network;

/** How many bytes a connection may move, in both directions together, before the network resets it. With the lock of the timeline. */
public final class Allowance {

    private long left;

    Allowance(long bytes) {
        this.left = bytes;
    }

    /** Takes from it, {@code most} bytes at most; returns how many. */
    public int take(int most) {
        int taken = (int) Math.min(left, Math.max(0, most));
        left -= taken;
        return taken;
    }

    public boolean isUsedUp() {
        return left == 0;
    }
}

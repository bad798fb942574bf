package io.netpark.simulation.network;

/** One direction of a {@link Link}. With the lock of the timeline. */
public final class Lane {

    private final Link link;
    private final int direction;

    Lane(Link link, int direction) {
        this.link = link;
        this.direction = direction;
    }

    public Link link() {
        return link;
    }

    /** When that arrives which is sent now. */
    public long arrival(int bytes) {
        return link.arrival(direction, bytes);
    }
}

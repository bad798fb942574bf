package io.netpark.core.poll;

import io.netpark.core.linux.Linux;

/**
 * What a registration wants to hear about, and how often: a bit set with the kernel's own values, so that it goes
 * into {@code epoll_ctl} as it is. {@link Readiness#ERROR} and {@link Readiness#HANGUP} are always reported.
 *
 * <p>Without {@link #EDGE} or {@link #ONE_SHOT} a registration is level-triggered: reported by every wait for as
 * long as it holds.
 */
public final class Interest {

    /** Nothing but error and hang-up. */
    public static final int NONE = 0;
    /** Bytes to read, connections to accept, or the end of the stream. */
    public static final int READ = Linux.EPOLLIN | Linux.EPOLLRDHUP;
    /** Room to write, or a connect that has ended. */
    public static final int WRITE = Linux.EPOLLOUT;
    /** Report a change once, when it happens (epoll(7), edge-triggered). */
    public static final int EDGE = Linux.EPOLLET;
    /** Report once, then nothing until {@link Poller#modify}. */
    public static final int ONE_SHOT = Linux.EPOLLONESHOT;

    /** How a parking descriptor registers, once for its life. */
    public static final int PARKING = READ | WRITE | EDGE | Readiness.URGENT;

    private Interest() {}
}

package io.netpark.callback;

/**
 * The number of an open file, as the kernel counts them in this process, for {@link CallbackPoller}. A name only: it
 * owns nothing and closes nothing. Whoever opened the descriptor keeps it, keeps it open while it is watched, and
 * closes it after {@link CallbackPoller#stop}. The poller does not change its mode either: a callback that reads or
 * writes wants it non-blocking.
 *
 * @param number not negative
 */
public record DescriptorHandle(int number) {

    public DescriptorHandle {
        if (number < 0) {
            throw new IllegalArgumentException("not a descriptor: " + number);
        }
    }

    @Override
    public String toString() {
        return "descriptor " + number;
    }
}

package io.netpark.core.testing.fault;

import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;

/**
 * What may befall a program: that a call fails.
 *
 * @param call the name of its method, or {@link Calls#MEMORY}
 * @param number which of the calls of this name it is, from 1 on
 * @param errno what it fails with, or {@link Failures#NO_MEMORY}
 */
public record Fault(String call, int number, int errno) {

    /** The calls of a program that it befalls. */
    public FailingCall on(LibC kernel) {
        return new FailingCall(kernel, call, number, errno);
    }

    @Override
    public String toString() {
        return call + " number " + number + " fails " + (errno == Failures.NO_MEMORY ? "for want of memory" : "with " + Errno.name(errno));
    }
}

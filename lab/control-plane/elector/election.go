package main

import (
	"context"
	"log"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// elect takes part in the election until it has led and no longer does, or ctx is done.
//
// client-go releases the Lease, and says only afterwards that it no longer leads. When told to
// end, the original's address therefore goes beside the release, on the same context; when its
// leadership is lost, after the release has succeeded or failed.
func elect(ctx context.Context, s *settings, holder *holder) error {
	config, err := clientcmd.BuildConfigFromFlags("", s.config)
	if err != nil {
		return err
	}
	config.Timeout, config.QPS, config.Burst = 10*time.Second, 100, 250
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	kept, drop := context.WithCancel(context.Background())
	defer drop()
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Name: s.lease, Namespace: s.namespace},
		Client:     client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: s.node},
	}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   s.duration,
		RenewDeadline:   s.deadline,
		RetryPeriod:     s.retry,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			// lead ends when ctx does, or when the election is lost and the release is over.
			OnStartedLeading: func(lead context.Context) {
				log.Print("leads")
				if s.linger > 0 {
					lead = kept
				}
				holder.hold(lead)
			},
			OnStoppedLeading: func() { log.Print("no longer leads") },
			OnNewLeader:      func(leader string) { log.Printf("the leader is %q", leader) },
		},
	})
	if err != nil {
		return err
	}
	elector.Run(ctx)
	time.Sleep(s.linger)
	drop()
	return holder.end()
}
